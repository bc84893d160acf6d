// Apache's MD5 password hashes, compared with those of OpenSSL (openssl passwd -apr1 -salt SALT PASSWORD).
import t from "tap";
import { apr1 } from "../../../../src/hooks/proxy-auth/apr1.ts";

/** Password, salt, hash. */
const HASHES = [
	["pass", "abcdefgh", "$apr1$abcdefgh$rK/lObuciIG5ziaV8BdHR/"],
	["", "x", "$apr1$x$tMwYqBfQwi3FYAr0aJc8M/"],
	["a", "./AZaz09", "$apr1$./AZaz09$CZ4NojL.niyawbGekOOJe/"],
	["sixteen bytes ok", "12345678", "$apr1$12345678$WHDrBuK9Rh8ovmpcniVp80"],
	["seventeen bytes !", "12345678", "$apr1$12345678$TtkAs7MR9SmqsG.H8iDPP."],
	["longer password with ümlaut 0123456789", "ab", "$apr1$ab$gU1FpHOt6AFS8Eqj6x6v20"],
] as const;

t.test("hashes", async (t) => {
	for (const [password, salt, hash] of HASHES) t.equal(apr1(password, salt), hash, JSON.stringify(password));
	t.equal(apr1("pass", "abcdefghi"), apr1("pass", "abcdefgh"), "eight characters of salt count");
});
