"""Who is estimated: joints, bones, kinematics, URDF and the estimated state."""
