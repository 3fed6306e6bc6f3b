import type { Auth, Links } from './auth.ts';

/** Every route of the API, as API Gateway and OpenAPI spell them. No other request reaches the code. */
export const routes = {
  upload: { method: 'POST', path: '/upload_image', opens: 'images' },
  announce: { method: 'POST', path: '/uploads', opens: 'images' },
  image: { method: 'GET', path: '/images/{id}', opens: 'images' },
  images: { method: 'GET', path: '/images', opens: 'own' },
  remove: { method: 'DELETE', path: '/images/{id}', opens: 'own' },
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
  Object.values(routes).filter((route) => {
    if (route === routes.page) return uploadPage ?? auth === 'none';
    // Only a known caller has images of their own.
    return route.opens !== 'own' || auth !== 'none';
  });

/** How a route authenticates its callers. */
export const authOf = ({ opens }: Route, auth: Auth, links: Links): Auth => {
  if (opens === 'everyone') return 'none';
  return opens === 'link' && links === 'public' ? 'none' : auth;
};

/**
 * The keys of a route in API Gateway: `GET /images/{id}`. A GET route also answers HEAD, and every route
 * answers the preflight requests of browsers.
 */
const keysOf = ({ method, path }: Route): readonly string[] =>
  (method === 'GET' ? ['GET', 'HEAD', 'OPTIONS'] : [method, 'OPTIONS']).map((each) => `${each} ${path}`);

const allKeys: readonly string[] = Object.values(routes).flatMap(keysOf);

/** @param present the routes of the deployment */
export const routeOf = (routeKey: string, present: readonly Route[]): Route | undefined =>
  present.find((route) => keysOf(route).includes(routeKey));

/** The key of the route that a method and a path lead to, with or without the stage before the path. */
export const routeKeyOf = (method: string, path: string, stage: string): string | undefined => {
  const segments = path.split('/').slice(path.startsWith(`/${stage}/`) ? 2 : 1);
  return allKeys.find((key) => {
    const [keyMethod, keyPath = ''] = key.split(' ');
    const pattern = keyPath.split('/').slice(1);
    return (
      keyMethod === method &&
      pattern.length === segments.length &&
      pattern.every((part, index) => part.startsWith('{') || part === segments[index])
    );
  });
};
