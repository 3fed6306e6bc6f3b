import type { Auth, Links } from './auth.ts';

/** Every route of the API, as API Gateway and OpenAPI spell them. Nothing else reaches the code. */
export const routes = {
  upload: { method: 'POST', path: '/upload_image', opens: 'images' },
  announce: { method: 'POST', path: '/uploads', opens: 'images' },
  image: { method: 'GET', path: '/images/{id}', opens: 'images' },
  link: { method: 'GET', path: '/thumbnails/{id}', opens: 'link' },
  variantLink: { method: 'GET', path: '/thumbnails/{id}/{variant}', opens: 'link' },
  description: { method: 'GET', path: '/openapi.json', opens: 'description' },
} as const;

export type Route = (typeof routes)[keyof typeof routes];

/** What a caller must prove before a route answers. */
export const authOf = ({ opens }: Route, auth: Auth, links: Links): Auth => {
  if (opens === 'description') return 'none';
  return opens === 'link' && links === 'public' ? 'none' : auth;
};

/** The routes by the names that API Gateway gives them: `GET /images/{id}`. Who may GET something may also ask for its headers only. */
const routeKeys: ReadonlyMap<string, Route> = new Map(
  Object.values(routes).flatMap((route) => {
    const methods = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
    return methods.map((method) => [`${method} ${route.path}`, route] as const);
  }),
);

/** The route with this name, or undefined. */
export const routeOf = (routeKey: string): Route | undefined => routeKeys.get(routeKey);

/** Which route a method and a path lead to, with or without the stage before the path; undefined for none. */
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
