"""The one trainer, and what it runs on."""
