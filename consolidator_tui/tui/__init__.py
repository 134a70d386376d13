"""The wizard: screens, widgets and dialogs over the services."""
