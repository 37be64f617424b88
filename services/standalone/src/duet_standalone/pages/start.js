// Swagger UI would store passwords and refresh tokens with `persistAuthorization`. Earlier releases
// of Duet used it; what they stored is removed.
localStorage.removeItem("authorized");

SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "/openapi.json",
  deepLinking: true,
  filter: true,
  showCommonExtensions: true,
  showExtensions: true,
});
