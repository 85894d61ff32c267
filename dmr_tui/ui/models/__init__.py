"""Lists of models and the dialogs of what can be done to one."""
