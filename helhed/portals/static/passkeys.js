// Asks the browser for a passkey and sends its answer with the form. Without this file a page says that passkeys need it.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (found) => (found || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function made(options) {
    const publicKey = {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: listed(options.excludeCredentials),
    };
    const found = await navigator.credentials.create({ publicKey });
    const { clientDataJSON, attestationObject } = found.response;
    return { ...named(found), response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } };
  }

  async function used(options) {
    const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) };
    const found = await navigator.credentials.get({ publicKey });
    const { clientDataJSON, authenticatorData, signature, userHandle } = found.response;
    return {
      ...named(found),
      response: {
        clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature),
        userHandle: userHandle ? text(userHandle) : null,
      },
    };
  }

  const named = (found) => ({
    id: found.id, rawId: text(found.rawId), type: found.type, clientExtensionResults: {},
    authenticatorAttachment: found.authenticatorAttachment,
  });

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const problem = form.querySelector("[data-passkey-problem]");
    if (!window.PublicKeyCredential) {
      problem.hidden = false;
      continue;
    }
    form.querySelector("button").hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      problem.hidden = true;
      try {
        const options = JSON.parse(form.dataset.options);
        const answer = form.dataset.passkey === "make" ? await made(options) : await used(options);
        form.elements.credential.value = JSON.stringify(answer);
        form.submit();
      } catch {
        problem.hidden = false;
      }
    });
  }
})();
