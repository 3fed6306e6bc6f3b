-- The uploads of each day, how many of them were new images, and the bytes of these.
SELECT
  dt AS day,
  count(*) AS uploads,
  count_if(type = 'image.received') AS new_images,
  count_if(type = 'image.duplicate') AS duplicates,
  sum(CASE WHEN type = 'image.received' THEN original_bytes ELSE 0 END) AS new_bytes
FROM events
WHERE type IN ('image.received', 'image.duplicate')
GROUP BY dt
ORDER BY dt
