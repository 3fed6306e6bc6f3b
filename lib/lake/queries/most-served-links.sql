-- The twenty permanent links that were served most often.
SELECT image_id, variant, count(*) AS served, max(time) AS last_served
FROM events
WHERE type = 'link.served'
GROUP BY image_id, variant
ORDER BY served DESC, image_id, variant
LIMIT 20
