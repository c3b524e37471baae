"""stub"""
def add(commands, common):
    return commands.add_parser("fit", help="x", parents=[common])
def run(arguments):
    return 1
