from django.db import migrations


def trim(apps, schema_editor):
    for customer in apps.get_model("shop", "Customer").objects.all():
        customer.name = customer.name.strip()
        customer.save()


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_index_names")]
    operations = [migrations.RunPython(trim)]
