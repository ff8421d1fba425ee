"""The program: its values, fewer of them, work in blocks, and whose memory each gets."""
