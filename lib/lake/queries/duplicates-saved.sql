-- What duplicates saved each day: the resizes, and the bytes not stored again.
SELECT
  dt AS day,
  count_if(type = 'image.duplicate') AS resizes_saved,
  sum(CASE WHEN type = 'image.duplicate' THEN original_bytes ELSE 0 END) AS bytes_saved,
  round(1E2 * count_if(type = 'image.duplicate') / count(*), 1) AS percent_of_uploads
FROM events
WHERE type IN ('image.received', 'image.duplicate')
GROUP BY dt
ORDER BY dt
