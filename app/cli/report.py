"""stub"""
def add(commands, common):
    return commands.add_parser("report", help="x", parents=[common])
def run(arguments):
    return 1
