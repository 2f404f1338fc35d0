"""add email"""
import sqlalchemy as sa
from alembic import op

revision = "b2c3d4e5f6a1"
down_revision = "a1b2c3d4e5f6"


def upgrade():
    op.add_column("users", sa.Column("email", sa.Text))


def downgrade():
    op.drop_column("users", "email")
