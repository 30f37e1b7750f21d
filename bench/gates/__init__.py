"""What the gates catch and whom they block without cause: faulty and odd-looking good versions, released for real."""
