// An OpenID provider for the tests: oidc-provider as it is, where whoever the test names is signed in and agrees to everything.
// Its one argument is JSON: port, alg, auth, claimsInIdToken, idTokenSeconds. It says where it is on its first line, takes who signs in
// next by POST /control, and ends when its standard input does.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
// The newest that runs on the Node 18 of Debian 12.
import Provider from 'oidc-provider';

const options = JSON.parse(process.argv[2] ?? '{}');
let account = { sub: 'nobody' };

const server = createServer();
await new Promise((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

// New keys at every start: a provider that is started again has rotated them.
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'fairtrade',
      client_secret: 'a secret of the client, for tests only',
      // So that any port of this machine may be returned to.
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/api/auth/oauth/test/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: options.auth ?? 'client_secret_basic',
      id_token_signed_response_alg: options.alg ?? 'RS256',
    },
  ],
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'HS256'] },
  jwks: { keys: [key] },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: !options.claimsInIdToken,
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: options.idTokenSeconds ?? 3600, Interaction: 600, Session: 600 },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...account, sub: id }) }),
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});

const handle = provider.callback();
server.on('request', async (request, response) => {
  try {
    if (request.url === '/control') {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      account = JSON.parse(Buffer.concat(chunks).toString());
      response.end();
    } else if (request.url.startsWith('/interaction/')) {
      const { deny, sub } = account;
      const granted = { login: { accountId: sub }, consent: {} };
      const result = deny ? { error: deny, error_description: 'the test says so' } : granted;
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    } else {
      handle(request, response);
    }
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
console.log(issuer);
process.stdin.on('end', () => process.exit(0)).resume();
