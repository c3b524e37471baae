"""stub"""
def add(commands, common):
    return commands.add_parser("demo", help="x", parents=[common])
def run(arguments):
    return 1
