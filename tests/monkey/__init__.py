"""Random keys, clicks, pastes and sizes: whatever a user does, the dashboard goes on."""
