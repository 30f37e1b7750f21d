"""The nightly watch's memory and voice: numbers kept, alerts decided and sent, late labels judged, a trend page."""
