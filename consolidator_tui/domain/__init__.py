"""Words of the field as frozen dataclasses and enums; imports nothing of ours."""
