import type { Auth, Links } from './auth.ts';

/** Every route of the API, as API Gateway and OpenAPI spell them. No other request reaches the code. */
export const routes = {
  upload: { method: 'POST', path: '/upload_image', opens: 'images' },
  announce: { method: 'POST', path: '/uploads', opens: 'images' },
  image: { method: 'GET', path: '/images/{id}', opens: 'images' },
  link: { method: 'GET', path: '/thumbnails/{id}', opens: 'link' },
  variantLink: { method: 'GET', path: '/thumbnails/{id}/{variant}', opens: 'link' },
  description: { method: 'GET', path: '/openapi.json', opens: 'everyone' },
  client: { method: 'GET', path: '/client.js', opens: 'everyone' },
  page: { method: 'GET', path: '/', opens: 'everyone' },
} as const;

export type Route = (typeof routes)[keyof typeof routes];

export interface RouteSettings {
  readonly auth: Auth;
  /** @default - shown where everyone may upload */
  readonly uploadPage: boolean | null;
}

/** The routes that a deployment has. */
export const routesOf = ({ auth, uploadPage }: RouteSettings): readonly Route[] =>
  Object.values(routes).filter((route) => route !== routes.page || (uploadPage ?? auth === 'none'));

/** How a route authenticates its callers. */
export const authOf = ({ opens }: Route, auth: Auth, links: Links): Auth => {
  if (opens === 'everyone') return 'none';
  return opens === 'link' && links === 'public' ? 'none' : auth;
};

/**
 * The routes by their keys in API Gateway: `GET /images/{id}`. A GET route also answers HEAD, and every route
 * answers the preflight requests of browsers.
 */
const routeKeys: ReadonlyMap<string, Route> = new Map(
  Object.values(routes).flatMap((route) => {
    const methods = route.method === 'GET' ? ['GET', 'HEAD', 'OPTIONS'] : [route.method, 'OPTIONS'];
    return methods.map((method) => [`${method} ${route.path}`, route] as const);
  }),
);

export const routeOf = (routeKey: string): Route | undefined => routeKeys.get(routeKey);

/** The key of the route that a method and a path lead to, with or without the stage before the path. */
export const routeKeyOf = (method: string, path: string, stage: string): string | undefined => {
  const segments = path.split('/').slice(path.startsWith(`/${stage}/`) ? 2 : 1);
  return [...routeKeys.keys()].find((key) => {
    const [keyMethod, keyPath = ''] = key.split(' ');
    const pattern = keyPath.split('/').slice(1);
    return (
      keyMethod === method &&
      pattern.length === segments.length &&
      pattern.every((part, index) => part.startsWith('{') || part === segments[index])
    );
  });
};
