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
