import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A private key and its certificate, both PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** `good` is the only one a client that trusts the lab's CA accepts. */
export type CertificateName = 'good' | 'wrongName' | 'expired' | 'selfSigned' | 'foreign';

/** The lab's authority and one leaf for each way a certificate can be wrong. */
export interface Certificates extends Readonly<Record<CertificateName, Certificate>> {
  /** PEM of the CA, for a client's `ca` option or NODE_EXTRA_CA_CERTS. */
  readonly ca: string;
}

interface Authority {
  readonly name: string;
  readonly keys: Keys;
}

interface Keys {
  readonly privateKey: string;
  readonly publicKey: string;
}

let made: Certificates | undefined;

/** The lab's certificates, made on first use and kept for the life of the process. */
export function certificates(): Certificates {
  made ??= makeCertificates();
  return made;
}

/** Uses those of another process from here on. */
export function adoptCertificates(certificates: Certificates): void {
  made = certificates;
}

function makeCertificates(): Certificates {
  const lab: Authority = { name: 'Fairlead Lab CA', keys: newKeys() };
  const stranger: Authority = { name: 'Some Other CA', keys: newKeys() };
  // The leaves share one key: making keys is the slow part, and nothing here is secret.
  const keys = newKeys();
  const itself: Authority = { name: 'localhost', keys };
  return {
    ca: sign(lab, { subject: lab.name, keys: lab.keys, authority: true }),
    good: { key: keys.privateKey, cert: sign(lab, { subject: 'localhost', keys }) },
    wrongName: { key: keys.privateKey, cert: sign(lab, { subject: 'elsewhere', keys, names: ['elsewhere.invalid'] }) },
    expired: { key: keys.privateKey, cert: sign(lab, { subject: 'localhost', keys, expired: true }) },
    selfSigned: { key: keys.privateKey, cert: sign(itself, { subject: 'localhost', keys }) },
    foreign: { key: keys.privateKey, cert: sign(stranger, { subject: 'localhost', keys }) },
  };
}

function newKeys(): Keys {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
}

interface Request {
  readonly subject: string;
  readonly keys: Keys;
  readonly names?: readonly string[];
  readonly expired?: boolean;
  readonly authority?: boolean;
}

const DAY = 86_400_000;
const NAMES = ['localhost', 'lab.test', '*.lab.test'];
let serial = 1;

function sign(issuer: Authority, request: Request): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(request.keys.publicKey);
  certificate.serialNumber = (serial++).toString(16).padStart(2, '0');
  const now = Date.now();
  certificate.validity.notBefore = new Date(now - 30 * DAY);
  certificate.validity.notAfter = new Date(request.expired ? now - DAY : now + 30 * DAY);
  certificate.setSubject([{ name: 'commonName', value: request.subject }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer.name }]);
  certificate.setExtensions(
    request.authority
      ? [
          { name: 'basicConstraints', cA: true, critical: true },
          { name: 'keyUsage', keyCertSign: true, cRLSign: true },
        ]
      : [{ name: 'subjectAltName', altNames: alternativeNames(request.names) }],
  );
  certificate.sign(forge.pki.privateKeyFromPem(issuer.keys.privateKey), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

function alternativeNames(names?: readonly string[]): object[] {
  // 2 is a DNS name and 7 an address in X.509's GeneralName.
  const dns = (names ?? NAMES).map((value) => ({ type: 2, value }));
  return names ? dns : [...dns, { type: 7, ip: '127.0.0.1' }, { type: 7, ip: '::1' }];
}
