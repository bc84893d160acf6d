// The options of `run` are those of the command.
import t from "tap";
import { runOptions } from "../../api/run-options.ts";
import { command } from "../../commands/run.ts";

t.test("every option about the tape and its verdict has one declaration", async (t) => {
	for (const name of ["record_mode", "record_failures", "max_miss"] as const)
		t.equal(runOptions[name], command.options[name], name);
	t.match(command.options.fail_on.help, runOptions.fail_on.help);
});
