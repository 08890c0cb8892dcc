// A shop: whoever has forgotten a password gets a link and a code.
import express from "express";
import { passwordReset } from "./mail.js";

const customers = new Set(["ann@customer.example", "ben@customer.example"]);

export const app = express();
app.use(express.json());

app.post("/reset", async (request, answer) => {
  if (customers.has(request.body.email)) await passwordReset(request.body.email);
  // The same words where nobody has that address.
  answer.status(202).json({ detail: "If we know you, a message is on its way." });
});
