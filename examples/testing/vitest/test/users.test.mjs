import { randomUUID } from "node:crypto";
import { useTape } from "flowtape/test/vitest";
import { expect, test } from "vitest";
import { createUser } from "../src/client.mjs";

// the request contains the time, which differs in each run
const tape = useTape({ match: { ignoreJson: ["/requestedAt"] } });

test("creates a user", async () => {
	const id = tape.current.value("id", randomUUID);
	expect(await createUser(id, "Ann")).toMatchObject({ id, name: "Ann" });
});
