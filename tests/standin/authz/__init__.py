"""Our reading of how IAM decides. It shows that policies and calls fit; it is not AWS's own word."""
