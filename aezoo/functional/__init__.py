"""The mathematics, once: pure functions of tensors. No parameters, settings, devices or logging."""
