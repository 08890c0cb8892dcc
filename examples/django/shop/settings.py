"""The settings of a shop. Where mail goes stands in the environment, in production as in the tests."""

import os

SECRET_KEY = "only for this example"
ALLOWED_HOSTS = ["testserver", "shop.example"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TEMPLATES = []
USE_TZ = True


def is_set(name):
    return os.environ.get(name, "").lower() in ("1", "true", "yes")


EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = is_set("EMAIL_USE_TLS")
EMAIL_USE_SSL = is_set("EMAIL_USE_SSL")
EMAIL_TIMEOUT = 10  # without it a server that says nothing holds the request for ever
DEFAULT_FROM_EMAIL = "Shop <shop@example.org>"
