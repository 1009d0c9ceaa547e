"""The ROS 2 side: rclpy and messages live here and nowhere above."""
