"""The forms by which heaters, consumers and links are added to a site."""
