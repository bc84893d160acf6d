const { randomUUID } = require("node:crypto");
const { useTape } = require("flowtape/test/jest");
const { createUser } = require("../src/client.js");

// the time in the request is another one in each run
const tape = useTape({ match: { ignoreJson: ["/requestedAt"] } });

test("creates a user", async () => {
	const id = tape.current.value("id", randomUUID);
	expect(await createUser(id, "Ann")).toMatchObject({ id, name: "Ann" });
});
