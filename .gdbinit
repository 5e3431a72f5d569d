# Commands for debugging almoner. gdb reads this file when it starts in this folder, if your ~/.gdbinit allows it:
#     add-auto-load-safe-path /path/to/almoner
set print pretty on
set print array-indexes on
handle SIGPIPE nostop noprint pass
# The loop wakes on SIGHUP (reload) and SIGTERM (stop): let the program have them.
handle SIGHUP nostop noprint pass
handle SIGTERM nostop noprint pass

python
import gdb


def name_of(function, value):
    """The word of an enumerator, from the table in the program."""
    return gdb.parse_and_eval(f"name_of_{function}({int(value)})").string()


class PrintSaga(gdb.Command):
    """almoner-saga EXPRESSION: a struct saga with its steps, in the words of the log."""

    def __init__(self):
        super().__init__("almoner-saga", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        saga = gdb.parse_and_eval(argument)
        if saga.type.code == gdb.TYPE_CODE_PTR:
            saga = saga.dereference()
        flags = [flag for flag in ("paused", "cancelled", "compensating", "unrouted") if saga[flag]]
        print(f"saga {int(saga['id'])}: {name_of('saga_state', saga['state'])} {' '.join(flags)}")
        for i in range(int(saga["step_count"])):
            step = saga["steps"][i]
            print(f"  {i}: {name_of('step_state', step['state'])}, why {name_of('why', step['why'])}, "
                  f"{name_of('direction', step['direction'])}, attempts {int(step['attempts'])}, "
                  f"generation {int(step['generation'])}, location {int(step['location'])}")


class PrintText(gdb.Command):
    """almoner-text EXPRESSION: a struct str or struct buf as text."""

    def __init__(self):
        super().__init__("almoner-text", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        value = gdb.parse_and_eval(argument)
        if value.type.code == gdb.TYPE_CODE_PTR:
            value = value.dereference()
        data = value["data"] if "data" in [f.name for f in value.type.fields()] else value["p"]
        print(data.string(length=int(value["len"]), errors="replace") if int(value["len"]) else "")


PrintSaga()
PrintText()
end
