"""What the model in use was asked and answered, and what came true."""
