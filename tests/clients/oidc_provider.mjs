// The npm oidc-provider as somebody's identity provider: everybody who comes is the same invented citizen, at once.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.PACKAGES}/here.js`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const { port, jwk, redirect, level } = JSON.parse(process.env.SETUP);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: "helhed", redirect_uris: [redirect], token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] },
    token_endpoint_auth_signing_alg: "ES256", response_types: ["code"], grant_types: ["authorization_code"],
  }],
  acrValues: [level],
  claims: { openid: ["sub", "dk.cpr"], acr: null, sid: null, auth_time: null, iss: null },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, "dk.cpr": "0101019999" }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

const answer = provider.callback();
const server = createServer(async (request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  const { params, prompt, session } = await provider.interactionDetails(request, response);
  const accountId = session?.accountId ?? "citizen-1";
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const result = { login: { accountId, acr: level, amr: ["app"] }, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: prompt.name === "consent" });
});
server.listen(port, "127.0.0.1", () => console.log("ready"));
