"""Hours of mixed traffic and changing screens: the dashboard's memory stays where it is."""
