"""Black-box merge cases: real files, the real command, a judgement by meaning."""
