"""The measurements that the README quotes; each prints its own table."""
