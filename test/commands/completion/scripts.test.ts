// Each shell has a script that calls the hidden command; test/commands/completion.test.ts runs them.
import { spawnSync } from "node:child_process";
import t from "tap";
import { scripts } from "../../../commands/completion/scripts.ts";

t.test("every shell that completes tapes knows the extensions of all formats", async (t) => {
	for (const shell of ["bash", "zsh", "fish"])
		t.match(scripts[shell], /\(\S*tape\|.*har\|zhar\|zip\|jsonl\|ndjson\)/, shell);
});

for (const [shell, script] of Object.entries(scripts)) {
	t.test(shell, async (t) => {
		t.match(script, /flowtape __complete .*2>(?:\/dev\/null|\$null)/);
		const isThere = spawnSync(shell, ["-c", "true"]).status === 0;
		if (isThere && (shell === "bash" || shell === "zsh"))
			t.equal(spawnSync(shell, ["-n"], { input: script }).status, 0, "its syntax");
	});
}
