from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_add_email")]
    operations = [migrations.AddIndex("customer", models.Index(fields=["name"], name="customer_name"))]
