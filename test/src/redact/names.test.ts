// Which names mean a secret, and of which kind.
import t from "tap";
import {
	headerKind,
	isGrantName,
	isPlainValue,
	secretKind,
	secretKindsOf,
	wordsOf,
} from "../../../src/redact/names.ts";

/** Names by kind. "none": they look like the others. */
const table: Readonly<Record<string, string>> = {
	password:
		"password Password PASSWORD passwd pwd passphrase password2 new_password newPassword confirm-password " +
		"password_confirmation passwordConfirm user[password] spring.datasource.password dbPass db_pass pass smtpPass " +
		"userpassword password_hash passwordHash OldPassword1 login:password mysql_pwd userPasscode",
	token:
		"token access_token accessToken accesstoken refresh_token id_token authToken X-Auth-Token oauth_token jwt " +
		"api_token bot_token device_token token_value client_token user.token accessTokens",
	key:
		"api_key apiKey API_KEY apikey x-api-key x_apikey accessKey access-key AWSSecretAccessKey private_key " +
		"secretKey Ocp-Apim-Subscription-Key subscription-key function_key masterKey storageAccountKey sharedAccessKey " +
		"signing_key encryptionKey app_key api_keys apiKey2 privatekey",
	secret: "secret client_secret clientSecret CLIENT_SECRET consumer_secret clientsecret webhook_secret SecretString",
	session:
		"session session_id sessionId sessionid PHPSESSID JSESSIONID connect.sid sid ASPSESSIONIDQABCDEFG __Secure-1PSID",
	signature: "sig signature Signature X-Amz-Signature X-Goog-Signature oauth_signature x-hub-signature-256",
	csrf: "csrf _csrf csrf_token csrfToken csrfmiddlewaretoken XSRF-TOKEN authenticity_token __RequestVerificationToken",
	otp: "otp totp pin otp_code verification_code mfaCode backup_codes cvv",
	code: "code_verifier codeVerifier device_code authorization_code",
	assertion: "assertion client_assertion SAMLRequest SAMLResponse samlresponse saml_response",
	credential: "credential credentials X-Amz-Credential aws_credentials creds",
	connection: "connectionString ConnectionString connectionstring connection_string database_connection_url",
	authorization: "authorization Authorization",
	none:
		"token_type tokenType tokenizer tokens max_tokens prompt_tokens token_count page_token pageToken nextPageToken " +
		"next_page_token nextToken continuationToken client_request_token pad_token key keys keyId key_id public_key " +
		"publicKey foreign_key sort_key primaryKey monkey keyboard secretary passenger bypass compass first_pass " +
		"account_sid accountSid function_signature code code_challenge client_assertion_type nonce state id name user " +
		"username email session_count passwordless password_policy secret_name keyword signature_version sidebar Sid " +
		"signatureAlgorithm constructor __proto__ toString hasOwnProperty valueOf design author authority",
};

t.test("kinds by the last words of a name", (t) => {
	for (const [kind, names] of Object.entries(table))
		for (const name of names.split(" ")) t.equal(secretKind(name) ?? "none", kind, name);
	t.equal(secretKind(""), null);
	t.equal(secretKind(`${"a".repeat(300)}_password`), null, "no name is so long");
	t.end();
});

t.test("words end at signs and camel humps, and lose their digits", (t) => {
	t.same(wordsOf("AWSSecretAccessKey"), ["aws", "secret", "access", "key"]);
	t.same(wordsOf("user[new.Password2]"), ["user", "new", "password"]);
	t.same(wordsOf("x-api_key:v1 2"), ["x", "api", "key", "v"]);
	t.same(wordsOf("--"), []);
	t.end();
});

t.test("headers whose whole value is a secret", (t) => {
	const kinds: Readonly<Record<string, string>> = {
		key: "X-Api-Key x-functions-key x-ms-encryption-key x-goog-api-key x-amz-server-side-encryption-customer-key",
		token: "X-Auth-Token x-amz-security-token private-token x-vault-token",
		credential: "x-auth x-registry-auth x-forwarded-client-cert",
		jwt: "dpop cf-access-jwt-assertion x-goog-iap-jwt-assertion",
		session: "x-session mcp-session-id",
		signature: "signature x-hub-signature-256 stripe-signature x-signature",
		csrf: "x-csrf-token X-XSRF-TOKEN x-csrf",
		authorization: "authentication-info proxy-authentication-info",
		none:
			"authorization proxy-authorization x-original-authorization cookie set-cookie idempotency-key sec-websocket-key " +
			"sec-websocket-accept surrogate-key cache-tag etag x-request-id traceparent content-digest public-key-pins " +
			"signature-input x-cache-key content-type host x-partition-key date constructor",
	};
	for (const [kind, names] of Object.entries(kinds))
		for (const name of names.split(" ")) t.equal(headerKind(name) ?? "none", kind, name);
	t.end();
});

t.test("code and nonce only beside the parameters of a grant", (t) => {
	const kinds = (names: string[]) => names.map(secretKindsOf(() => names));
	t.same(kinds(["code", "state"]), ["code", null]);
	t.same(kinds(["grant_type", "code", "client_secret"]), [null, "code", "secret"]);
	t.same(kinds(["nonce", "client_id"]), ["nonce", null]);
	t.same(kinds(["code", "message", "nonce"]), [null, null, null]);
	t.same([isGrantName("code"), isGrantName("nonce"), isGrantName("state")], [true, true, false]);
	t.end();
});

t.test("values that are no secrets whatever their name", (t) => {
	for (const value of ["", " ", "true", "False", "null", "undefined", "0", "-1.5", "3600", "12345678901234", "1,000"])
		t.ok(isPlainValue(value), value);
	for (const value of ["123456789012345", "x", "12a", "none", "1e5x"]) t.notOk(isPlainValue(value), value);
	t.same(
		[isPlainValue("1234", "otp"), isPlainValue("1234", "password"), isPlainValue("1234", "token")],
		[false, false, true],
	);
	t.ok(isPlainValue("null", "password"));
	t.ok(isPlainValue(`${"1".repeat(14)}`) && !isPlainValue(`${"1".repeat(100_000)}x`), "in linear time");
	t.end();
});
