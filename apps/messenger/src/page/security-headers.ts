/**
 * The page loads nothing from elsewhere, runs no inline script, sits in nobody's frame, and opens sockets to the
 * configured gateways alone.
 */
export function securityHeaders(gateways: readonly string[]): Readonly<Record<string, string>> {
  const sockets = new Set(gateways.map((url) => new URL(url).origin))
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src ${["'self'", ...sockets].join(' ')}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}
