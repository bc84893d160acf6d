import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { useTape } from "flowtape/test/node";
import { createUser } from "../src/client.mjs";

// the request contains the time, which differs in each run
const tape = useTape({ match: { ignoreJson: ["/requestedAt"] } });

test("creates a user", async () => {
	const id = tape.current.value("id", randomUUID);
	const user = await createUser(id, "Ann");
	assert.equal(user.id, id);
	assert.equal(user.name, "Ann");
});
