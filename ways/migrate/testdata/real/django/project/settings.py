import os
from urllib.parse import unquote, urlsplit

at = urlsplit(os.environ["DATABASE_URL"])
SECRET_KEY = "of no use to anybody"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": at.hostname,
        "PORT": at.port,
        "NAME": at.path[1:],
        "USER": at.username,
        "PASSWORD": unquote(at.password or ""),
    }
}
