/** Every route of the API, as API Gateway and OpenAPI spell them. Nothing else reaches the code. */
export const routes = {
  upload: { method: 'POST', path: '/upload_image' },
  announce: { method: 'POST', path: '/uploads' },
  image: { method: 'GET', path: '/images/{id}' },
  link: { method: 'GET', path: '/thumbnails/{id}' },
  variantLink: { method: 'GET', path: '/thumbnails/{id}/{variant}' },
  description: { method: 'GET', path: '/openapi.json' },
} as const;
