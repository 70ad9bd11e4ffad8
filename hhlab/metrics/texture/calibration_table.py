TABLE = {}
BOILING = {"face": (0.17, 0.2), "frame": (0.2, 0.25)}
