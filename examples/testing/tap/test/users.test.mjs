import { randomUUID } from "node:crypto";
import { useTape } from "flowtape/test/tap";
import t from "tap";
import { createUser } from "../src/client.mjs";

// the request contains the time, which differs in each run
const tape = useTape({ match: { ignoreJson: ["/requestedAt"] } });

t.test("creates a user", async (t) => {
	const id = tape.current.value("id", randomUUID);
	t.match(await createUser(id, "Ann"), { id, name: "Ann" });
});
