// The certified client (openid-client) as an app of the FAPI 2.0 security profile: PAR, private_key_jwt, DPoP, PKCE and iss.
// Lines of JSON in, lines of JSON out: first the client, then each address that a browser brought back to it.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const packages = process.env.PACKAGES;
const client = await import(pathToFileURL(`${packages}/openid-client/build/index.js`).href);
const jose = await import(pathToFileURL(`${packages}/jose/dist/webapi/index.js`).href);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const heard = async () => JSON.parse((await lines.next()).value);
const tell = (told) => console.log(JSON.stringify(told));

const told = await heard();
const key = { key: await jose.importJWK(told.jwk, "ES256"), kid: told.jwk.kid };
const config = await client.discovery(new URL(told.issuer), told.client_id, {
  client_id: told.client_id, token_endpoint_auth_method: "private_key_jwt", id_token_signed_response_alg: "ES256",
}, client.PrivateKeyJwt(key), { execute: [client.allowInsecureRequests] });
const handle = async () => client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
const error = async (work) => {
  try { await work(); return "none"; } catch (failed) { return failed.error ?? failed.cause?.error ?? failed.code ?? String(failed); }
};

async function begin(DPoP, more = {}) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(),
  };
  const address = await client.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: told.redirect_uri, scope: told.scope, state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: "S256", ...more,
  }, { DPoP });
  tell({ address: address.href });
  return { checks, back: new URL((await heard()).back) };
}

const DPoP = await handle();
const { checks, back } = await begin(DPoP);
const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
const resource = new URL(told.resource);
const read = async (token, proof = DPoP) => client.fetchProtectedResource(config, token, resource, "GET", undefined, undefined, { DPoP: proof });
const good = await read(tokens.access_token);
const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
const introspected = await client.tokenIntrospection(config, tokens.access_token);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const anew = await read(renewed.access_token);
tell({
  token_type: tokens.token_type, claims: tokens.claims(), user, active: introspected.active, read: good.status, renewed: anew.status,
  rotated: renewed.refresh_token !== tokens.refresh_token,
});

const wrong = {};
wrong.another_key = await error(async () => read(renewed.access_token, await handle()));
wrong.as_bearer = (await fetch(resource, { headers: { authorization: `Bearer ${renewed.access_token}` } })).status;
wrong.id_token = (await fetch(resource, { headers: { authorization: `Bearer ${tokens.id_token}` } })).status;
wrong.code_again = await error(() => client.authorizationCodeGrant(config, back, checks, undefined, { DPoP }));
wrong.after_code_again = await error(() => read(renewed.access_token));
const mixed = await begin(DPoP);
mixed.back.searchParams.set("iss", "https://evil.example");
wrong.mix_up = await error(() => client.authorizationCodeGrant(config, mixed.back, mixed.checks, undefined, { DPoP }));
const swapped = await begin(DPoP);
const another = { ...swapped.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
wrong.another_verifier = await error(() => client.authorizationCodeGrant(config, swapped.back, another, undefined, { DPoP }));
const stolen = await begin(DPoP);
wrong.code_with_another_key = await error(async () => client.authorizationCodeGrant(config, stolen.back, stolen.checks, undefined, { DPoP: await handle() }));
const last = await begin(DPoP);
const final = await client.authorizationCodeGrant(config, last.back, last.checks, undefined, { DPoP });
const next = await client.refreshTokenGrant(config, final.refresh_token, undefined, { DPoP });
wrong.refresh_again = await error(() => client.refreshTokenGrant(config, final.refresh_token, undefined, { DPoP }));
wrong.family = await error(() => client.refreshTokenGrant(config, next.refresh_token, undefined, { DPoP }));
const ended = await begin(DPoP);
const over = await client.authorizationCodeGrant(config, ended.back, ended.checks, undefined, { DPoP });
await client.tokenRevocation(config, over.refresh_token);
wrong.revoked = await error(() => read(over.access_token));
wrong.more_scope = await error(() => begin(DPoP, { scope: "openid system/*.cruds" }));
wrong.elsewhere = await error(() => begin(DPoP, { redirect_uri: "https://evil.example/callback" }));
tell(wrong);
process.exit(0);
