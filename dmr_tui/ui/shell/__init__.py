"""Frame of every screen: panes, header, key bar, notices, dialogs."""
