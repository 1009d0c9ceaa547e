"""What a rotation and a rigid transform are: pure functions of tensors."""
