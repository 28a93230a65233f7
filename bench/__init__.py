"""What the bot costs, each figure beside a yardstick of the same run: machines are noisy."""
